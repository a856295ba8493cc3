/** What a device costs: ready to use, a snapshot, a restore. One operation is one of them. */

const ROUNDS = 30;
const COPIES = 1000;

/** Rows `device/ready`, `device/snapshot` and `device/restore` for 64 KiB of RAM with one heap in it. */
export function measureDevice({ Device, findDevice }) {
  const description = findDevice("nrf52832");
  const make = () => {
    const device = new Device(description);
    device.addHeap({ allocator: "freertos-heap4", bytes: 40960 });
    return device;
  };
  const device = make();
  const snapshot = device.snapshot();
  return [
    row("device/ready", 1, make),
    row("device/snapshot", COPIES, () => device.snapshot(snapshot)),
    row("device/restore", COPIES, () => device.restore(snapshot)),
  ];
}

function row(name, times, run) {
  const perOperation = Array.from({ length: ROUNDS }, () => {
    const start = process.hrtime.bigint();
    for (let i = 0; i < times; i++) run();
    return Number(process.hrtime.bigint() - start) / times;
  }).sort((a, b) => a - b);
  const round = (ns) => Math.round(ns * 100) / 100;
  return { name, nsPerOperation: round(perOperation[0]), medianNsPerOperation: round(perOperation[ROUNDS >>> 1]) };
}
