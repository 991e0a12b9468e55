// Names of tables: `entity/project/table`, given whole or in parts. The twin of `model::TableName`; both are held to
// tests/data/names.json.

import { StreamTableError } from "./errors.js";

/** The full name of a table. */
export interface TableName {
  readonly entity: string;
  readonly project: string;
  readonly table: string;
}

type Part = keyof TableName;

const MAX_PART_CHARS = 128;

/** The entity that a key is for, `st_<right>_<entity>_<digits>`; the twin of `wire::key::entity`. */
export function entityOf(key: unknown): string | undefined {
  return typeof key === "string" ? /^st_[^_]+_(.+)_[^_]+$/.exec(key)?.[1] : undefined;
}

/** Joins a name of one to three parts with parts given apart from it. */
export function parseName(name: unknown, project?: unknown, entity?: unknown, defaultEntity = "local"): TableName {
  if (typeof name !== "string") {
    throw new StreamTableError("bad_argument", "the name of a table is a text such as \"entity/project/table\"");
  }
  const parts = name.split("/");
  if (parts.length > 3) {
    const message = `a table name has at most three parts, entity/project/table, but ${JSON.stringify(name)} has ${parts.length}`;
    throw new StreamTableError("name_too_many_parts", message);
  }
  const [table, inProject, inEntity] = parts.reverse();
  const join = (part: Part, inside: string | undefined, apart: unknown, otherwise: string): string => {
    if (apart === undefined || apart === null) return checked(part, inside ?? otherwise);
    if (inside !== undefined) {
      const message = `the ${part} is given twice: in the name ${JSON.stringify(name)} and apart from it`;
      throw new StreamTableError("name_part_twice", message);
    }
    return checked(part, apart);
  };
  return {
    entity: join("entity", inEntity, entity, defaultEntity),
    project: join("project", inProject, project, "default"),
    table: checked("table", table),
  };
}

function checked(part: Part, text: unknown): string {
  if (typeof text !== "string") {
    throw new StreamTableError("bad_argument", `the ${part} of a table name must be a text`);
  }
  if (text === "") {
    throw new StreamTableError("name_empty_part", `the ${part} of a table name must not be empty`);
  }
  const bad = /[^A-Za-z0-9._-]/u.exec(text);
  if (bad) {
    const message = `the ${part} ${JSON.stringify(text)} holds '${bad[0]}'; a name is made of A-Z, a-z, 0-9, '.', '_' and '-'`;
    throw new StreamTableError("name_bad_character", message);
  }
  if (text.length > MAX_PART_CHARS) {
    const message = `the ${part} has ${text.length} characters; at most ${MAX_PART_CHARS} are allowed`;
    throw new StreamTableError("name_too_long", message);
  }
  if (text === "." || text === "..") {
    throw new StreamTableError("name_dots", `the ${part} must not be "." or ".."`);
  }
  return text;
}
