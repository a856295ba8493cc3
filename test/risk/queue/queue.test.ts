import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { parseQueueAddress } from "../../../src/risk/queue/queue-address.ts";
import { runQueueWorker } from "../../../src/risk/queue/queue-worker.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function serverThat(does: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    does(socket);
  });
  server.listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  const address = server.address();
  return `redis://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}

function worker(url: string) {
  const { signal } = new AbortController();
  const options = { jobs: 1, once: true, signal, tell: () => {}, connectMs: 300, patienceMs: 300 };
  return runQueueWorker(parseQueueAddress(url), options);
}

test("a queue that refuses the connection is told", async () => {
  const url = await serverThat(() => {});
  await new Promise((resolve) => servers.pop()?.close(resolve));
  await expect(worker(url)).rejects.toMatchObject({ code: "queue-unreachable", message: /the connection is refused/ });
});

test("a queue that drops the connection is told", async () => {
  const url = await serverThat((socket) => socket.destroy());
  await expect(worker(url)).rejects.toMatchObject({ code: "queue-unreachable" });
});

test("a queue that does not answer is told", async () => {
  const sockets: Socket[] = [];
  const url = await serverThat((socket) => sockets.push(socket));
  await expect(worker(url)).rejects.toMatchObject({ code: "queue-unreachable", message: /no answer within 0.3 s/ });
  for (const socket of sockets) socket.destroy();
});

test("what is no Redis is told", async () => {
  const url = await serverThat((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  await expect(worker(url)).rejects.toMatchObject({ code: "queue-unreachable" });
});

test("addresses are read, and no message tells a password", () => {
  expect(parseQueueAddress("redis://user:secret@build.example:6380/2").shown).toBe("redis://build.example:6380/2");
  expect(parseQueueAddress("rediss://10.0.0.1").shown).toBe("rediss://10.0.0.1");
  for (const text of ["", "build:6379", "http://x", "redis://", "redis://h/notanumber", "redis:///1"]) {
    expect(() => parseQueueAddress(text)).toThrow(/--queue: got/);
  }
  expect(() => parseQueueAddress("http://user:secret@host")).toThrow(/^(?!.*secret)/);
});
