// The command palette: any page, step, case, flag or experiment by a few letters.
import classes from "./Palette.module.css";
import { Modal, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useState } from "react";
import { useNavigate } from "react-router";
import { cases, experiments, flags, runs } from "../api/queries.ts";
import { stageName } from "../lib/words.ts";
import { PLACES } from "./Shell.tsx";

interface Found {
  to: string;
  label: string;
  note: string;
}

/** Pages that the navigation leads to by another page. */
const INSIDE = [
  { to: "/segments", label: "Segments" },
  { to: "/change-requests", label: "Change requests" },
  { to: "/playground", label: "Playground" },
  { to: "/environments", label: "Environments" },
  { to: "/settings/people", label: "People and roles" },
  { to: "/settings/teams", label: "Teams" },
  { to: "/settings/codebases", label: "Codebases and owner processes" },
  { to: "/settings/policy", label: "Policy" },
  { to: "/settings/tokens", label: "Tokens" },
  { to: "/settings/webhooks", label: "Webhooks" },
  { to: "/settings/notifications", label: "How I am told" },
  { to: "/start", label: "First steps" },
];
/** What is begun on a page of its own. */
const STEPS = [
  { to: "/experiments/intake", label: "Take an experiment in" },
  { to: "/flags/new", label: "Write a flag" },
  { to: "/segments?edit=", label: "Add a segment" },
  { to: "/metrics?edit=", label: "Define a metric" },
];

export default function Palette({ onClose }: { onClose: () => void }) {
  const go = useNavigate();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const known: Found[] = [
    ...[...PLACES, ...INSIDE].map(({ to, label }) => ({ to, label, note: "page" })),
    ...STEPS.map(({ to, label }) => ({ to, label, note: "step" })),
    ...(useQuery(cases).data ?? []).map((one) => ({
      to: `/cases/${one.id}`,
      label: one.title ?? one.id,
      note: `${one.id}, ${stageName(one.stage)}`,
    })),
    ...(useQuery(flags).data ?? []).map(({ key }) => ({
      to: `/flags/${encodeURIComponent(key)}`,
      label: key,
      note: "flag",
    })),
    ...(useQuery(experiments).data ?? []).map((one) => ({
      to: `/experiments/${encodeURIComponent(one.experiment)}`,
      label: one.title ?? one.experiment,
      note: `${one.experiment}, experiment`,
    })),
    ...(useQuery(runs).data ?? []).map((one) => ({
      to: `/experiments/${encodeURIComponent(one.experiment)}/run`,
      label: one.plan.title ?? one.experiment,
      note: `${one.experiment}, runs here, ${one.status}`,
    })),
  ];
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = known
    .filter(({ label, note }) => words.every((word) => `${label} ${note}`.toLowerCase().includes(word)))
    .slice(0, 12);
  const open = (one: Found | undefined) => {
    if (one === undefined) return;
    onClose();
    void go(one.to);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") setAt((before) => Math.min(before + 1, found.length - 1));
    else if (event.key === "ArrowUp") setAt((before) => Math.max(before - 1, 0));
    else if (event.key === "Enter") open(found[at]);
    else return;
    event.preventDefault();
  };
  return (
    <Modal
      opened
      onClose={onClose}
      withCloseButton={false}
      padding={0}
      size="lg"
      attributes={{ content: { "aria-label": "Search" } }}
    >
      <TextInput
        data-autofocus
        variant="unstyled"
        size="lg"
        px="md"
        placeholder="A page, a case, a flag, an experiment"
        aria-label="Search"
        role="combobox"
        aria-expanded
        aria-controls="found"
        aria-activedescendant={found[at] ? `found-${at}` : undefined}
        value={text}
        onKeyDown={onKeyDown}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
      />
      <div id="found" role="listbox" aria-label="Found" className={classes.list}>
        {found.map((one, place) => (
          <div
            key={one.to}
            id={`found-${place}`}
            role="option"
            aria-selected={place === at}
            className={classes.one}
            onMouseMove={() => setAt(place)}
            onClick={() => open(one)}
          >
            <span>{one.label}</span>
            <span className="quiet">{one.note}</span>
          </div>
        ))}
        {found.length === 0 && <div className={classes.none}>Nothing by that name.</div>}
      </div>
    </Modal>
  );
}
