// Units named one by one. The server keeps them as a list beside the flag; a long one is shown by its length and replaced as a whole.
import { Button, Input, TagsInput, type TagsInputProps } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { keyList } from "../../api/queries.ts";
import { of } from "../../lib/number.ts";
import { type Keys, keysOf } from "./authored.ts";

/** A list longer than this is replaced as a whole. */
const EDITED_MAX = 200;

export interface UnitsInputProps extends Pick<
  TagsInputProps,
  "label" | "description" | "aria-label" | "size" | "flex" | "miw"
> {
  value: Keys | undefined;
  onChange: (keys: string[]) => void;
}

export function UnitsInput({ value, onChange, label, description, flex, miw, ...look }: UnitsInputProps) {
  const reference = value === undefined || Array.isArray(value) ? null : value;
  const isShort = reference !== null && reference.count <= EDITED_MAX;
  const held = useQuery({ ...keyList(reference?.list ?? ""), enabled: isShort }).data;
  if (reference !== null && held === undefined) {
    return (
      <Input.Wrapper label={label} description={description} {...{ flex, miw }}>
        <div>
          <span className="num">{of(reference.count, "unit")}, kept as a list.</span>{" "}
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
      value={held ?? keysOf(value)}
      onChange={onChange}
    />
  );
}
