// Whether the market answers: a server that hangs keeps its streams open, and a market without its engine looks calm.
const LOOK_PERIOD_MS = 5000;
const NOT_READY = 503;
const HISTORY_AWAY = "database_unavailable"; // trading goes on, and panes of the past tell of it themselves
const USERS_AWAY = "users_unavailable";

export const AWAY = "The market does not answer. What you see may be out of date.";
export const SILENT = "The market answers no orders now. What you send waits until it does.";
export const NOBODY = "The market's list of users does not answer. Nobody can sign in, and in a minute orders are refused, until it does.";

export class Standing {
  // onStanding(sentence), an empty one where all is well.
  constructor(api, onStanding) {
    Object.assign(this, { api, onStanding });
    this.#look();
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
  }

  async #look() {
    if (!document.hidden) {
      const sentence = await this.#ask();
      if (!this.closed) this.onStanding(sentence);
    }
    if (!this.closed) this.timer = setTimeout(() => this.#look(), LOOK_PERIOD_MS);
  }

  async #ask() {
    try {
      await this.api.ready();
      return "";
    } catch (error) {
      if (error.reason === HISTORY_AWAY) return "";
      if (error.reason === USERS_AWAY) return NOBODY;
      return error.status === NOT_READY ? SILENT : AWAY;
    }
  }
}
