// What every page is made of: a header that names it in the tab and to a screen reader, sections, and the states a question can be in.
import classes from "./Page.module.css";
import { Alert, Anchor, Button, Group, Skeleton, Stack, Text, Title } from "@mantine/core";
import { IconPlugConnectedX } from "@tabler/icons-react";
import type { UseQueryResult } from "@tanstack/react-query";
import { type ReactNode, useEffect, useRef } from "react";
import { Link, useLocation } from "react-router";
import { lineOf, Problem, Unreachable } from "../api/problem.ts";

export function PageHeader({
  title,
  says,
  actions,
  back,
  tab,
}: {
  title: ReactNode;
  says?: ReactNode;
  actions?: ReactNode;
  back?: { to: string; label: string };
  /** The tab's title where the heading is no plain text. */
  tab?: string;
}) {
  const name = tab ?? (typeof title === "string" ? title : "Tenure");
  useEffect(() => {
    document.title = `${name} · Tenure`;
  }, [name]);
  return (
    <header className={classes.header}>
      <div className={classes.heading}>
        {back !== undefined && (
          <Anchor component={Link} to={back.to} size="sm" className="no-print">
            ← {back.label}
          </Anchor>
        )}
        <Title order={1}>{title}</Title>
        {says !== undefined && (
          <Text className="quiet prose" component="div">
            {says}
          </Text>
        )}
      </div>
      {actions !== undefined && (
        <Group gap="xs" className="no-print">
          {actions}
        </Group>
      )}
    </header>
  );
}

/** A part of a page with a heading of its own, to which a link can lead. */
export function Section({
  id,
  title,
  says,
  actions,
  children,
  flush,
}: {
  id?: string;
  title?: ReactNode;
  says?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  /** Whether what is inside reaches the border, as a table does. */
  flush?: boolean;
}) {
  const place = useRef<HTMLElement>(null);
  const { hash, key } = useLocation();
  // The browser looks for it once, before the page has been asked for.
  useEffect(() => {
    if (id !== undefined && hash === `#${id}`) place.current?.scrollIntoView();
  }, [id, hash, key]);
  return (
    <section
      ref={place}
      id={id}
      className={`${classes.section} section`}
      aria-labelledby={id && title ? `${id}-title` : undefined}
    >
      {title !== undefined && (
        <div className={classes.sectionHead}>
          <div>
            <Title order={2} id={id && `${id}-title`}>
              {title}
            </Title>
            {says !== undefined && (
              <Text size="sm" className="quiet prose" component="div">
                {says}
              </Text>
            )}
          </div>
          {actions !== undefined && (
            <Group gap="xs" className="no-print">
              {actions}
            </Group>
          )}
        </div>
      )}
      <div className={flush === true ? classes.flush : classes.body}>{children}</div>
    </section>
  );
}

/** Nothing here, why, and what to do about it. */
export function EmptyState({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className={classes.empty}>
      <Text fw={600}>{title}</Text>
      {children !== undefined && (
        <Text className="quiet" size="sm" component="div">
          {children}
        </Text>
      )}
      {action}
    </div>
  );
}

/** A question that failed, and the way to ask it again. */
export function ErrorState({ error, retry }: { error: unknown; retry?: () => void }) {
  const title =
    error instanceof Unreachable
      ? "The server cannot be reached"
      : error instanceof Problem && error.status === 404
        ? "There is no such thing"
        : error instanceof Problem && error.status === 403
          ? "Your account does not reach this far"
          : "This could not be shown";
  return (
    <Alert color="loss" variant="light" title={title} icon={<IconPlugConnectedX />} role="alert">
      <Stack gap="xs" align="start">
        <Text size="sm">{lineOf(error)}</Text>
        {retry !== undefined && (
          <Button size="xs" onClick={retry}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

/** Grey lines where text will be. */
export function Waiting({ lines = 4 }: { lines?: number }) {
  return (
    <div aria-busy="true" aria-label="loading">
      {Array.from({ length: lines }, (_, at) => (
        // The lines never change places.
        <Skeleton key={at} height={14} mt={12} width={`${92 - ((at * 17) % 40)}%`} />
      ))}
    </div>
  );
}

/** Says that what stands below is an earlier answer. */
function NotRefreshed({ error, retry }: { error: unknown; retry: () => void }) {
  const why = error instanceof Unreachable ? "the server cannot be reached" : lineOf(error).replace(/\.$/, "");
  return (
    <Text size="sm" mb="xs" role="status" c="var(--late)">
      This could not be refreshed: {why}. What you see is as it was.{" "}
      <Anchor component="button" type="button" inherit c="inherit" onClick={retry} className="no-print">
        Try again
      </Anchor>
    </Text>
  );
}

/** What a question's answer looks like in each of its states; an answer that is being refreshed stays, and says so when that fails. */
export function Asked<T>({
  of,
  children,
  lines,
}: {
  of: UseQueryResult<T | undefined>;
  children: (data: T) => ReactNode;
  lines?: number;
}) {
  const retry = () => void of.refetch();
  if (of.data !== undefined) {
    return (
      <>
        {of.isError && <NotRefreshed error={of.error} retry={retry} />}
        {children(of.data)}
      </>
    );
  }
  if (of.isError) return <ErrorState error={of.error} retry={retry} />;
  return <Waiting {...(lines === undefined ? {} : { lines })} />;
}

/** A name and what it is, line by line. */
export function Facts({ children }: { children: ReactNode }) {
  return <dl className={classes.facts}>{children}</dl>;
}
export function Fact({ name, children }: { name: ReactNode; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
