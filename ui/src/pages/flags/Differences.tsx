// What a change changes: in sentences for people, and as a JSON patch for who wants to see it whole.
import { Code, List, Text } from "@mantine/core";
import { said } from "../../lib/said.ts";

export function Differences({
  of: { sentences, patch },
}: {
  of: { sentences: readonly string[]; patch: readonly unknown[] };
}) {
  return (
    <>
      {sentences.length === 0 ? (
        <Text size="sm" className="quiet">
          Nothing is different.
        </Text>
      ) : (
        <List size="sm">
          {sentences.map((one) => (
            <List.Item key={one}>{said(one)}</List.Item>
          ))}
        </List>
      )}
      {patch.length > 0 && (
        <details>
          <summary style={{ cursor: "pointer", fontSize: "0.8rem" }}>As a JSON patch</summary>
          <Code block tabIndex={0}>
            {JSON.stringify(patch, null, 2)}
          </Code>
        </details>
      )}
    </>
  );
}
