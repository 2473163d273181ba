// A secret that is shown this once: to be copied now, kept nowhere by the page.
import { Alert, Button, Code, CopyButton, Group, Text } from "@mantine/core";

export function Secret({ name, secret, onDone }: { name: string; secret: string; onDone: () => void }) {
  return (
    <Alert color="iris" title={`${name}: copy it now`} role="status" mb="md">
      <Text size="sm">It is shown this once.</Text>
      <Code block my="xs" style={{ overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}>
        {secret}
      </Code>
      <Group gap="xs">
        <CopyButton value={secret}>
          {({ copied, copy }) => (
            <Button size="xs" variant="filled" onClick={copy}>
              {copied ? "Copied" : "Copy"}
            </Button>
          )}
        </CopyButton>
        <Button size="xs" onClick={onDone}>
          I have it
        </Button>
      </Group>
    </Alert>
  );
}
