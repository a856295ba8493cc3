/** How remarks count. */

/** `1 place`, `2 places`. */
export function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `once`, `twice`, `3 times`. */
export function times(count: number): string {
  return ["never", "once", "twice"][count] ?? `${count} times`;
}
