/** Makes room for one more: the oldest goes. */
export function bound(map: Map<string, unknown>, most: number): void {
  for (const oldest of map.keys()) {
    if (map.size < most) return;
    map.delete(oldest);
  }
}
