/** An element with attributes and children. Text stays text: nothing is parsed. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A patch of colour for legends, as a custom property names it. */
export function swatch(property: string): HTMLElement {
  const patch = element("span", { class: "swatch", "aria-hidden": "true" });
  patch.style.backgroundColor = `var(${property})`;
  return patch;
}
