/** Results of works that go on at once. A failure is told when none is at work any more, so that all can be taken back. */
export async function allOver<const T extends readonly Promise<unknown>[] | []>(
  works: T,
): Promise<{ -readonly [Place in keyof T]: Awaited<T[Place]> }> {
  await Promise.allSettled(works);
  return Promise.all(works);
}
