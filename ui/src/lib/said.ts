// Sentences of the server as the reader reads them: on the wire they begin small, end open, and their dates are ISO 8601.
import { day, instantOf } from "./number.ts";

const DATE = /\b\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2}))?(?![\w-])/g;

/** Words of the server with the reader's own dates; a number and its unit stay on one line. */
export function said(words: string): string {
  return words
    .replace(DATE, (found, time: string | undefined) => {
      if (Number.isNaN(Date.parse(found))) return found;
      return time === undefined ? day(found) : instantOf(found);
    })
    .replace(/(\d) (%|pp)/g, "$1\u00a0$2");
}

/** The same with a large first letter. */
export function opening(words: string): string {
  const text = said(words);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The same as a sentence of its own. */
export function sentence(words: string): string {
  const text = opening(words);
  return /[.?]$/.test(text) ? text : `${text}.`;
}
