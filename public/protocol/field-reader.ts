// What came over the wire as JSON, field by field.

/** The server sent what the protocol does not allow. */
export class BadFrame extends Error {
  override name = "BadFrame";
}

/** The fields of a type whose value is of this kind. */
type Keys<Wire, Kind> = string &
  { [Key in keyof Wire]-?: Wire[Key] extends Kind | undefined ? Key : never }[keyof Wire];

/** The fields of an object that came, each taken for what it has to be. */
export class FieldReader<Wire = Record<string, any>> {
  readonly #of: Record<string, unknown>;
  readonly #name: string;

  constructor(value: unknown, name: string) {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new BadFrame(`${name} must be an object`);
    this.#of = value as Record<string, unknown>;
    this.#name = name;
  }

  get all(): Record<string, unknown> {
    return this.#of;
  }

  text(key: Keys<Wire, string>): string {
    const value = this.#of[key];
    return typeof value === "string" ? value : this.#refuse(key, "text");
  }

  number(key: Keys<Wire, number>): number {
    const value = this.#of[key];
    return typeof value === "number" && Number.isFinite(value) ? value : this.#refuse(key, "a number");
  }

  flag(key: Keys<Wire, boolean>): boolean {
    const value = this.#of[key];
    return typeof value === "boolean" ? value : this.#refuse(key, "true or false");
  }

  time(key: Keys<Wire, string>): number {
    const at = Date.parse(this.text(key));
    return Number.isNaN(at) ? this.#refuse(key, "a time") : at;
  }

  maybeTime(key: Keys<Wire, string>): number | null {
    return this.#of[key] == null ? null : this.time(key);
  }

  maybeText(key: Keys<Wire, string>): string | null {
    return this.#of[key] == null ? null : this.text(key);
  }

  maybeNumber(key: Keys<Wire, number>): number | null {
    return this.#of[key] == null ? null : this.number(key);
  }

  maybeFlag(key: Keys<Wire, boolean>): boolean | null {
    return this.#of[key] == null ? null : this.flag(key);
  }

  object<Key extends Keys<Wire, object>>(key: Key): FieldReader<NonNullable<Wire[Key]>> {
    return new FieldReader(this.#of[key], key);
  }

  list<Item>(key: Keys<Wire, Item[]>): FieldReader<Item>[] {
    const value = this.#of[key];
    if (!Array.isArray(value)) return this.#refuse(key, "a list");
    return value.map((item) => new FieldReader<Item>(item, key));
  }

  texts(key: Keys<Wire, string[]>): string[] {
    const value = this.#of[key];
    return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : this.#refuse(key, "texts");
  }

  maybeList<Item>(key: Keys<Wire, Item[]>): FieldReader<Item>[] | null {
    return this.#of[key] == null ? null : this.list<Item>(key);
  }

  #refuse(key: string, what: string): never {
    throw new BadFrame(`${this.#name}.${key} must be ${what}`);
  }
}
