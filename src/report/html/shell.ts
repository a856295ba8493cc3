/** The document around the pages of records: its head with the content security policy, contents, and the script's data. */
import { createHash } from "node:crypto";
import { embeddedJson, Html, html } from "./markup.ts";
import type { PageData } from "./page-data.ts";
import { badge, factList } from "./parts.ts";
import type { RecordPage, Section } from "./record-page.ts";

/** The page's own script and style, as they stand in it. */
export interface PageAssets {
  readonly script: string;
  readonly style: string;
}

/** A record's page among others. */
export interface NamedPage {
  /** What the record is called among several. */
  readonly name: string;
  readonly page: RecordPage;
  /** Closed until it is asked for. */
  readonly collapsed: boolean;
}

/** The whole document. The same pages, data and assets give the same bytes. */
export function documentOf(
  pages: readonly NamedPage[],
  data: PageData,
  assets: PageAssets,
  title = titleOf(pages),
): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policyOf(assets)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Html(assets.style)}</style>
</head>
<body>
<a class="skip" href="#report">Skip to the report</a>
<header class="page-head"><h1>${title}</h1>${contentsOf(pages)}</header>
<main id="report">${pages.map(articleOf)}</main>
<footer class="page-foot">Made by heapsoak from the ${pages.length === 1 ? "record" : "records"} alone. This file holds all it shows and asks nothing of the network.</footer>
<script type="application/json" id="page-data">${embeddedJson(data)}</script>
<script>${new Html(assets.script)}</script>
</body>
</html>
`.text;
}

/** Nothing but what stands in the file runs or is loaded, however hostile a record's text is. */
function policyOf({ script, style }: PageAssets): string {
  return [
    "default-src 'none'",
    `script-src '${sha256(script)}'`,
    `style-src '${sha256(style)}'`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}

function sha256(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

function titleOf(pages: readonly NamedPage[]): string {
  const [first] = pages;
  if (first && pages.length === 1) return `heapsoak: ${first.page.title}`;
  return `heapsoak: ${pages.length} reports`;
}

/** Of one page its sections, of several the pages. */
function contentsOf(pages: readonly NamedPage[]): Html {
  const [first] = pages;
  if (first && pages.length === 1) {
    const links = first.page.sections.map((section) => html`<li>${link(idOf(0, section), section.title)}</li>`);
    return html`<nav class="contents" aria-label="Contents"><ul>${links}</ul></nav>`;
  }
  const entries = pages.map(
    ({ name, page }, index) => html`<li>${link(`r${index + 1}`, name)} ${badge(page.verdict, page.tone)}</li>`,
  );
  return html`<nav class="contents" aria-label="Contents"><ol>${entries}</ol></nav>`;
}

function link(id: string, text: string): Html {
  return html`<a href="#${id}">${text}</a>`;
}

function idOf(index: number, section: Section): string {
  return `r${index + 1}-${section.id}`;
}

function articleOf({ name, page, collapsed }: NamedPage, index: number, pages: readonly NamedPage[]): Html {
  const id = `r${index + 1}`;
  const several = pages.length > 1;
  const source = several && html`<p class="note">${name}</p>`;
  const label = badge(page.verdict, page.tone);
  const heading = html`<h2 id="${id}-title">${page.title}</h2>`;
  const sentence = html`<span class="sentence">${page.sentence}</span>`;
  const body = html`<div class="record-body">${page.sections.map((section) => sectionOf(section, index, several))}
${provenanceOf(page, index, several)}</div>`;
  const content = collapsed
    ? html`<details><summary>${label}${heading}${sentence}</summary>${source}${body}</details>`
    : html`<header>${source}${label}${heading}<p>${sentence}</p></header>${body}`;
  return html`<article class="record" id="${id}" aria-labelledby="${id}-title">${content}</article>
`;
}

/** Sections of several records have equal titles: their labels number the report, so that each is unique. */
function sectionOf(section: Section, index: number, several: boolean): Html {
  const id = idOf(index, section);
  const label = several
    ? html`aria-label="Report ${index + 1}: ${section.title}"`
    : html`aria-labelledby="${id}-title"`;
  return html`<section id="${id}" ${label}><h3 id="${id}-title">${section.title}</h3>
${section.body}</section>
`;
}

function provenanceOf({ provenance }: RecordPage, index: number, several: boolean): Html | false {
  if (provenance.length === 0) return false;
  const facts = provenance.map(([name, value]) => [name, html`<code>${value}</code>`] as const);
  const section = { id: "provenance", title: "Where it comes from", body: factList(facts, "lines") };
  return sectionOf(section, index, several);
}
