// What administrators make for programs, tokens and webhooks: the form that makes one, its secret shown once, and all there are.
import { type UseQueryOptions, useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { session } from "../../api/queries.ts";
import { Asked, EmptyState, Section } from "../../lib/Page.tsx";
import { Secret } from "./Secret.tsx";

/** A secret that was made just now. */
export interface Made {
  name: string;
  secret: string;
}
export type OnMade = (made: Made) => void;

interface AdminListProps<Listed, T> {
  list: UseQueryOptions<Listed, Error, T[], string[]>;
  /** Said to those who are no administrators. */
  refused: { title: string; says: string };
  /** What makes another. */
  form: { id: string; title: string; says?: string; inside: (onMade: OnMade) => ReactNode };
  empty: { title: string; says: string };
  children: (all: T[], onMade: OnMade) => ReactNode;
}

export function AdminList<Listed, T>(props: AdminListProps<Listed, T>) {
  const me = useQuery(session).data;
  if (me?.may.includes("accounts") === true) return <Whole {...props} />;
  return (
    <Section>
      <EmptyState title={props.refused.title}>{props.refused.says}</EmptyState>
    </Section>
  );
}

function Whole<Listed, T>({ list, form: { inside, ...form }, empty, children }: AdminListProps<Listed, T>) {
  const [made, setMade] = useState<Made | null>(null);
  return (
    <>
      {made && <Secret {...made} onDone={() => setMade(null)} />}
      <Section {...form}>{inside(setMade)}</Section>
      <Asked of={useQuery(list)}>
        {(all) =>
          all.length === 0 ? (
            <Section>
              <EmptyState title={empty.title}>{empty.says}</EmptyState>
            </Section>
          ) : (
            children(all, setMade)
          )
        }
      </Asked>
    </>
  );
}
