// Whether the market answers: a server that hangs keeps its streams open, and a market without its engine looks calm.
import { Looking } from "./looking.js";

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
    this.looking = new Looking(() => this.#look(), LOOK_PERIOD_MS);
  }

  close() {
    this.closed = true;
    this.looking.close();
  }

  async #look() {
    const sentence = await this.#ask();
    if (!this.closed) this.onStanding(sentence);
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
