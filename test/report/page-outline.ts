/** The structure of a page made from its markup: what a screen reader steps through, not how it is written. */

/** An element's start or end, as it stands in markup that the `html` tag made. */
export interface Tag {
  readonly name: string;
  readonly isEnd: boolean;
  /** Of a void element, or one that ends itself. */
  readonly isAlone: boolean;
  readonly attributes: ReadonlyMap<string, string>;
  /** Text between this tag and the next. */
  readonly text: string;
}

const TAG = /<(\/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s+[^\s=>/]+(?:="[^"]*")?)*)\s*(\/?)>([^<]*)/g;
const ATTRIBUTE = /([^\s=>/]+)(?:="([^"]*)")?/g;
const VOID = new Set(["meta", "link", "br", "img", "input", "hr"]);
const LANDMARKS = new Set([
  "header",
  "nav",
  "main",
  "footer",
  "article",
  "section",
  "details",
  "figure",
  "table",
  "dl",
]);
const HEADINGS = new Set(["h1", "h2", "h3", "h4", "h5", "h6"]);

/** The tags of a document, without the contents of its script and style elements. */
export function tagsOf(document: string): Tag[] {
  const markup = document.replace(/<(script|style)([^>]*)>[\s\S]*?<\/\1>/g, "<$1$2></$1>");
  return [...markup.matchAll(TAG)].map(([, slash, name = "", attributes = "", alone, text = ""]) => ({
    name: name.toLowerCase(),
    isEnd: slash === "/",
    isAlone: alone === "/" || VOID.has(name),
    attributes: new Map([...attributes.matchAll(ATTRIBUTE)].map(([, key = "", value = ""]) => [key, value])),
    text,
  }));
}

/** Landmarks, headings, pictures and tables with their names, indented by how deep they lie. */
export function pageOutline(document: string): string {
  const tags = tagsOf(document);
  const lines: string[] = [];
  let depth = 0;
  for (const [index, tag] of tags.entries()) {
    const isLandmark = LANDMARKS.has(tag.name);
    if (tag.isEnd && isLandmark) depth--;
    const shown = tag.isEnd ? undefined : described(tags, index, tag);
    if (shown !== undefined) lines.push(`${"  ".repeat(depth)}${shown}`);
    if (!tag.isEnd && isLandmark) depth++;
  }
  return `${lines.join("\n")}\n`;
}

function described(tags: readonly Tag[], index: number, { name, attributes }: Tag): string | undefined {
  if (HEADINGS.has(name)) return `${name} ${textFrom(tags, index)}`;
  if (name === "svg") return `picture "${attributes.get("aria-label")}"`;
  if (name === "caption" || name === "figcaption" || name === "summary") return `${name} ${textFrom(tags, index)}`;
  if (name === "th" && attributes.get("scope") === "col") return `column ${textFrom(tags, index)}`;
  if (!LANDMARKS.has(name)) return undefined;
  const hooks = ["data-run", "data-heap"].flatMap((key) =>
    attributes.has(key) ? [`${key}=${attributes.get(key)}`] : [],
  );
  return [name, attributes.get("aria-label"), ...hooks].filter((part) => part !== undefined).join(" ");
}

/** Text of the element that starts at `index`. */
function textFrom(tags: readonly Tag[], index: number): string {
  let text = "";
  let depth = 0;
  for (const tag of tags.slice(index)) {
    if (!tag.isAlone) depth += tag.isEnd ? -1 : 1;
    if (depth === 0) break;
    text += tag.text;
  }
  return text.replace(/\s+/g, " ").trim();
}
