// Numbers as Brazilians write them, times in the viewer's own zone.

const NONE = "–";
const formats = new Map();

function decimalFormat(decimals, sign) {
  const key = `${decimals}${sign}`;
  if (!formats.has(key)) {
    formats.set(
      key,
      new Intl.NumberFormat("pt-BR", {
        minimumFractionDigits: decimals,
        maximumFractionDigits: decimals,
        signDisplay: sign ? "exceptZero" : "auto",
      }),
    );
  }
  return formats.get(key);
}

// Always with two decimals, so that figures below one another line up; what is below a thousand is told whole.
const shortFormat = new Intl.NumberFormat("pt-BR", { notation: "compact", minimumFractionDigits: 2, maximumFractionDigits: 2 });
const timeFormat = new Intl.DateTimeFormat("pt-BR", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const minuteFormat = new Intl.DateTimeFormat("pt-BR", { hour: "2-digit", minute: "2-digit" });
const dayFormat = new Intl.DateTimeFormat("pt-BR", { day: "2-digit", month: "2-digit" });

const known = (value) => value !== null && value !== undefined;

export const number = (value, decimals = 0) => (known(value) ? decimalFormat(decimals, false).format(value) : NONE);
export const signed = (value, decimals = 2) => (known(value) ? decimalFormat(decimals, true).format(value) : NONE);
export const percent = (value) => (known(value) ? `${signed(value, 2)}%` : NONE);
export const short = (value) => (known(value) && Math.abs(value) >= 1000 ? shortFormat.format(value) : number(value));
export const money = (value) => (known(value) ? `R$\u00a0${number(value, 2)}` : NONE);
// What rounds to nothing has no sign.
export const gain = (value) => (known(value) ? `${Math.round(value * 100) > 0 ? "+" : value < -0.005 ? "-" : ""}${money(Math.abs(value))}` : NONE);
export const time = (timeMs) => timeFormat.format(timeMs);
export const minute = (timeMs) => minuteFormat.format(timeMs);
export const day = (timeMs) => dayFormat.format(timeMs);
export const dayAndTime = (timeMs) => `${day(timeMs)} ${time(timeMs)}`;
// Of today, the time is enough.
export const when = (timeMs) => (day(timeMs) === day(Date.now()) ? time(timeMs) : dayAndMinute(timeMs));
// A moment to come: of today the time is enough, of another year the day.
export const moment = (timeMs) => {
  const year = new Date(timeMs).getFullYear();
  if (year !== new Date().getFullYear()) return `${day(timeMs)}/${year}`;
  return day(timeMs) === day(Date.now()) ? minute(timeMs) : dayAndMinute(timeMs);
};
export const dayAndMinute = (timeMs) => `${day(timeMs)} ${minute(timeMs)}`;

export function decimalsOf(tickSize) {
  for (const decimals of [2, 3]) {
    if (Math.abs(Number(tickSize.toFixed(decimals)) - tickSize) < 1e-9) return decimals;
  }
  return 4;
}

export function direction(value) {
  if (!known(value) || value === 0) return "";
  return value > 0 ? "hb-up" : "hb-down";
}
