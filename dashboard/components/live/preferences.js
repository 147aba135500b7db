// What the user saved of the page. A page that cannot save goes on with what it has.

export class Preferences {
  constructor(api) {
    this.api = api;
    this.saved = {};
  }

  // Gives what was saved on earlier visits; nothing while it cannot be had.
  async load() {
    try {
      this.saved = await this.api.preferences();
    } catch {
      this.saved = {};
    }
    return this.saved;
  }

  save(name, value) {
    this.saved[name] = value;
    this.api.savePreference(name, value).catch((error) => console.warn(`homebroker: ${name} was not saved:`, error));
  }
}
