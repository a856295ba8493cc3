/** The values by key: keys in the order they are first met, values in their order. */
export function grouped<K, V>(values: readonly V[], keyOf: (value: V) => K): V[][] {
  const groups = new Map<K, V[]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group) group.push(value);
    else groups.set(key, [value]);
  }
  return [...groups.values()];
}
