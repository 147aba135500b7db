// Numbers as a Brazilian types them: dots between thousands, a decimal comma. The same rules as formats.py.

const WHOLE = /^(\d{1,12}|\d{1,3}(\.\d{3}){1,3})$/;
const COMMA = /^(\d{1,12}|\d{1,3}(\.\d{3}){1,3}),\d{1,6}$/;
const POINT = /^\d{1,12}\.(\d{1,2}|\d{4,6})$/;

// Null for what is no number; `38.510` is none where decimals may come: it could mean two things.
export function parseNumber(text, decimals) {
  const typed = text.trim().replace(/^R\$\s*/, "");
  if (decimals === 0) return WHOLE.test(typed) ? Number(typed.replaceAll(".", "")) : null;
  if (/^\d{1,12}$/.test(typed)) return Number(typed);
  if (COMMA.test(typed)) return Number(typed.replaceAll(".", "").replace(",", "."));
  return POINT.test(typed) ? Number(typed) : null;
}
