// The journal's days: the address keeps the day that was chosen, the server is asked for its midnight where the reader is.

const PLAIN = /^\d{4}-\d{2}-\d{2}$/;

/** The instant to ask for; older addresses hold one already. Nothing where it is no time at all. */
export function instantFrom(given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  const at = new Date(PLAIN.test(given) ? `${given}T00:00:00` : given);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

/** The day to show, as an input takes it. */
export function dayFrom(given: string | undefined): string {
  if (given === undefined || PLAIN.test(given)) return given ?? "";
  const at = new Date(given);
  if (Number.isNaN(at.getTime())) return "";
  const two = (value: number) => String(value).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}
