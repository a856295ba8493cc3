/** The page's script: draws the heaps over time and their charts. Everything else on the page is plain markup. */
import type { PageData } from "../report/html/page-data.ts";
import { drawingsOf } from "./drawing.ts";
import { drawCharts } from "./heap-charts.ts";
import { drawHeap } from "./heap-figure.ts";
import { drawWhenNear } from "./near.ts";
import { watchColors } from "./theme.ts";
import "./main.css";

const data = JSON.parse(document.getElementById("page-data")?.textContent ?? "") as PageData;
const elements = document.querySelectorAll<HTMLElement>("figure.heap-history, div.heap-charts");

watchColors();
drawWhenNear(
  new Map(
    [...drawingsOf(elements, data)].map(([element, drawing]) => {
      const draw = element.matches("figure") ? drawHeap : drawCharts;
      return [element, () => draw(element, drawing)];
    }),
  ),
);
