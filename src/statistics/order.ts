/** The median; reorders `values`. Of none it is 0. */
export function median(values: Float64Array): number {
  const upper = select(values, values.length >> 1);
  if (values.length % 2) return upper;
  return (upper + select(values, (values.length >> 1) - 1)) / 2;
}

/** The value that would stand at `rank` if `values` were sorted; reorders them (Hoare's selection). */
export function select(values: Float64Array, rank: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const pivot = values[(low + high) >> 1] ?? 0;
    let left = low;
    let right = high;
    while (left <= right) {
      while ((values[left] ?? 0) < pivot) left++;
      while ((values[right] ?? 0) > pivot) right--;
      if (left > right) break;
      const kept = values[left] ?? 0;
      values[left++] = values[right] ?? 0;
      values[right--] = kept;
    }
    if (rank <= right) high = right;
    else if (rank >= left) low = left;
    else break;
  }
  return values[rank] ?? 0;
}

/** The value below which the share `ratio` of `values` lies, counted outwards at both ends; reorders them. */
export function quantile(values: Float64Array, ratio: number): number {
  const rank = ratio < 0.5 ? Math.floor(values.length * ratio) : Math.ceil(values.length * ratio) - 1;
  return select(values, Math.max(0, Math.min(values.length - 1, rank)));
}
