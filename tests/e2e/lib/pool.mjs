// Many things at a time, but not all.

/** Does act(item) for every item, width of them at a time. */
export async function inParallel(items, width, act) {
  const left = items[Symbol.iterator]();
  const work = async () => {
    for (let next = left.next(); !next.done; next = left.next()) await act(next.value);
  };
  await Promise.all(Array.from({ length: width }, work));
}
