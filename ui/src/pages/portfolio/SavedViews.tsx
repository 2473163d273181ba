// Views of the portfolio under a name of the reader's own. A view is an address: it can be sent to others as it stands; the names stay in this browser.
import { ActionIcon, Button, Group, Menu, TextInput } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { IconBookmark, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useNavigate, useSearchParams } from "react-router";

interface Saved {
  name: string;
  search: string;
}

export function SavedViews() {
  const [query] = useSearchParams();
  const go = useNavigate();
  const [saved, setSaved] = useLocalStorage<Saved[]>({ key: "tenure-portfolio-views", defaultValue: [] });
  const [name, setName] = useState("");
  const save = () => {
    const wanted = name.trim();
    if (wanted === "") return;
    setSaved([...saved.filter((one) => one.name !== wanted), { name: wanted, search: query.toString() }]);
    setName("");
  };
  return (
    <Menu position="bottom-end" closeOnItemClick={false} width={260}>
      <Menu.Target>
        <Button leftSection={<IconBookmark size={15} aria-hidden />}>Views</Button>
      </Menu.Target>
      <Menu.Dropdown>
        {saved.length === 0 && <Menu.Label>No view is saved in this browser</Menu.Label>}
        {saved.map((one) => (
          <Group key={one.name} wrap="nowrap" gap={2}>
            <Menu.Item closeMenuOnClick onClick={() => void go(`/portfolio?${one.search}`)}>
              {one.name}
            </Menu.Item>
            <ActionIcon
              aria-label={`Forget ${one.name}`}
              onClick={() => setSaved(saved.filter(({ name: other }) => other !== one.name))}
            >
              <IconTrash size={15} />
            </ActionIcon>
          </Group>
        ))}
        <Menu.Divider />
        <form
          onSubmit={(event) => {
            event.preventDefault();
            save();
          }}
        >
          <Group wrap="nowrap" gap="xs" p={6}>
            <TextInput
              size="xs"
              flex={1}
              aria-label="Name of this view"
              placeholder="Name this view"
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
            />
            <Button size="xs" type="submit">
              Save
            </Button>
          </Group>
        </form>
      </Menu.Dropdown>
    </Menu>
  );
}
