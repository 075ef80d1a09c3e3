/** The first few of a list, and how many more there are. */
export function inWords(names: readonly string[], shownMax: number): string {
  const more = names.length - shownMax;
  return `${names.slice(0, shownMax).join(', ')}${more > 0 ? `, and ${more} more` : ''}`;
}
