// Units named one by one. A long list is kept beside the flag and shown by its length: it is replaced as a whole, never edited unit by unit.
import { Button, Input, TagsInput, type TagsInputProps } from "@mantine/core";
import { count } from "../../lib/number.ts";
import { countOf, type Keys, keysOf } from "./authored.ts";

export interface UnitsInputProps extends Pick<
  TagsInputProps,
  "label" | "description" | "aria-label" | "size" | "flex" | "miw"
> {
  value: Keys | undefined;
  onChange: (keys: string[]) => void;
}

export function UnitsInput({ value, onChange, label, description, flex, miw, ...look }: UnitsInputProps) {
  if (value !== undefined && !Array.isArray(value)) {
    return (
      <Input.Wrapper label={label} description={description} {...{ flex, miw }}>
        <div>
          <span className="num">{count(countOf(value))} units, kept as a list.</span>{" "}
          <Button size="compact-xs" onClick={() => onChange([])}>
            Replace
          </Button>
        </div>
      </Input.Wrapper>
    );
  }
  return (
    <TagsInput
      {...{ label, description, flex, miw }}
      {...look}
      placeholder="unit, then Enter"
      value={keysOf(value)}
      onChange={onChange}
    />
  );
}
