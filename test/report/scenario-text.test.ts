import { expect, test } from "vitest";
import { scenarioListText } from "../../src/report/scenario-text.ts";

const scenario = {
  name: "mqtt-tls",
  theme: "networking",
  title: "MQTT over TLS",
  why: "Two large buffers are claimed anew between small blocks that outlive them, again and again and again and again.",
  device: "stm32f407vg",
  uptimeUs: 30 * 86_400e6,
  seed: "1",
  expectations: ["survives: 30 d"],
};

test("scenarios are listed by theme, each with its reason and what it expects", () => {
  const primer = { ...scenario, name: "primer", theme: "basics", why: "", expectations: [] };
  expect(scenarioListText([primer, scenario])).toBe(`basics
  primer  MQTT over TLS (stm32f407vg, 30 d)

networking
  mqtt-tls  MQTT over TLS (stm32f407vg, 30 d)
      Two large buffers are claimed anew between small blocks that outlive them, again and again
      and again and again.
      expects survives: 30 d

\`heapsoak run NAME\` runs one; \`heapsoak check NAME\` shows it.
`);
});

test("where there are none it says so", () => {
  expect(scenarioListText([])).toBe("There are none.\n");
});
