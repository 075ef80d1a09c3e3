/** Runs what it is given one after the other. What fails fails for its caller alone: the next one is run all the same. */
export function createOneByOne(): <T>(act: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (act) => {
    const done = last.then(act);
    last = done.catch(() => {});
    return done;
  };
}
