/** What is asked of paths by the folder that they lie in: worked out once for each run of neighbours. */
export function byFolder<T>(ask: (folder: string) => T): (path: string) => T {
  let last: string | undefined;
  let answer: T;
  return (path) => {
    const slash = path.lastIndexOf('/');
    if (last !== undefined && slash === last.length && path.startsWith(last)) return answer;
    last = path.slice(0, Math.max(0, slash));
    answer = ask(last);
    return answer;
  };
}
