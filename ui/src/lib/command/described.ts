// A form made from a command's own description, for commands that have no words of their own in the table.
import type { Field } from "./form.ts";

export interface Schema {
  properties?: Readonly<Record<string, Property>>;
  required?: readonly string[];
}
interface Property {
  type?: string | readonly string[];
  format?: string;
  description?: string;
  items?: unknown;
}

/** A field for each argument, in the order of the description; those without a default are needed. */
export function fieldsFrom({ properties = {}, required = [] }: Schema): Field[] {
  return Object.entries(properties).map(([name, property]) => fieldFrom(name, property, !required.includes(name)));
}

function fieldFrom(name: string, { type, format, description, items }: Property, optional: boolean): Field {
  const words = name.replaceAll("_", " ");
  const about = {
    name,
    label: words.charAt(0).toUpperCase() + words.slice(1),
    ...(description === undefined ? {} : { hint: description }),
    ...(optional ? { optional } : {}),
  };
  switch (typeof type === "string" ? type : type?.find((one) => one !== "null")) {
    case "string":
      return format === "date" ? { ...about, is: "date" } : { ...about, is: "text" };
    case "number":
    case "integer":
      return { ...about, is: "number" };
    case "boolean":
      return { ...about, is: "yes" };
    case "array":
      return isText(items) ? { ...about, is: "lines" } : { ...about, is: "json" };
    // What refers to a type of its own is a name, more often than not.
    case undefined:
      return { ...about, is: "text" };
    default:
      return { ...about, is: "json" };
  }
}

function isText(items: unknown): boolean {
  return typeof items === "object" && items !== null && "type" in items && items.type === "string";
}
