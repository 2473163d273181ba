// The frame of every page: navigation, who is signed in, whether what is shown is live. Without a session it is the sign-in page.
import classes from "./Shell.module.css";
import {
  ActionIcon,
  AppShell,
  Badge,
  Burger,
  Group,
  Menu,
  Text,
  UnstyledButton,
  useComputedColorScheme,
  useMantineColorScheme,
} from "@mantine/core";
import { useDisclosure, useHotkeys } from "@mantine/hooks";
import {
  IconBook2,
  IconBug,
  IconChartDots,
  IconFlag,
  IconFlask,
  IconInbox,
  IconLayoutKanban,
  IconMoon,
  IconPlugConnectedX,
  IconSearch,
  IconSettings,
  IconSparkles,
  IconSun,
} from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { Link, NavLink, useLocation } from "react-router";
import { client, rememberCsrf, unwrap } from "../api/client.ts";
import { Live, useConnection } from "../api/live.tsx";
import type { Me } from "../api/model.ts";
import { desk, session } from "../api/queries.ts";
import { ErrorState, Waiting } from "../lib/Page.tsx";
import { useApprovals } from "../pages/desk/approvals.ts";

const SignIn = lazy(() => import("../pages/sign-in/SignIn.tsx"));
const Palette = lazy(() => import("./Palette.tsx"));

/** Where the key beside the space bar opens the search, not Ctrl. */
const isApple = /Mac|iPhone|iPad/.test(navigator.userAgent);

export const PLACES = [
  { to: "/", label: "My desk", icon: IconInbox },
  { to: "/portfolio", label: "Portfolio", icon: IconLayoutKanban },
  { to: "/experiments", label: "Experiments", icon: IconFlask },
  { to: "/flags", label: "Flags", icon: IconFlag },
  { to: "/metrics", label: "Metrics", icon: IconChartDots },
  { to: "/platform-changes", label: "Platform changes", icon: IconSparkles },
  { to: "/warranties", label: "Warranties and bugs", icon: IconBug },
  { to: "/journal", label: "Journal", icon: IconBook2 },
  { to: "/settings", label: "Settings", icon: IconSettings },
] as const;

export function Shell({ children }: { children: ReactNode }) {
  const me = useQuery(session);
  if (me.data === null)
    return (
      <Suspense>
        <SignIn />
      </Suspense>
    );
  if (me.data === undefined) {
    return (
      <main className={classes.alone}>
        {me.isError ? <ErrorState error={me.error} retry={() => void me.refetch()} /> : <Waiting lines={3} />}
      </main>
    );
  }
  return (
    <Live>
      <Frame me={me.data}>{children}</Frame>
    </Live>
  );
}

function Frame({ me, children }: { me: Me; children: ReactNode }) {
  const [isOpen, navigation] = useDisclosure(false);
  const [isSearching, setSearching] = useState(false);
  const { pathname } = useLocation();
  const waiting = (useQuery(desk()).data?.total ?? 0) + useApprovals().waiting.length;
  useHotkeys([["mod+K", () => setSearching(true)]], []);
  const { close } = navigation;
  useEffect(() => {
    close();
    // Where the address names a section, that scrolls to itself.
    if (window.location.hash === "") window.scrollTo(0, 0);
  }, [pathname, close]);
  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 216, breakpoint: "sm", collapsed: { mobile: !isOpen } }}
      padding={0}
    >
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <AppShell.Header className={`${classes.header} no-print`}>
        <Group gap="sm" wrap="nowrap">
          <Burger opened={isOpen} onClick={navigation.toggle} hiddenFrom="sm" size="sm" aria-label="Navigation" />
          <NavLink to="/" className={classes.brand}>
            <img src="/mark.svg" width={24} height={24} alt="" />
            Tenure
          </NavLink>
        </Group>
        <UnstyledButton className={classes.search} onClick={() => setSearching(true)} aria-label="Search">
          <IconSearch size={15} aria-hidden />
          <span>Search cases, flags, pages</span>
          <kbd>{isApple ? "⌘" : "Ctrl"} K</kbd>
        </UnstyledButton>
        <Group gap={6} wrap="nowrap">
          <Scheme />
          <Account me={me} />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className={`${classes.nav} no-print`} aria-label="Pages">
        {PLACES.map(({ to, label, icon: Icon }) => (
          <NavLink key={to} to={to} end={to === "/"} className={classes.place}>
            <Icon size={17} stroke={1.7} aria-hidden />
            <span>{label}</span>
            {to === "/" && waiting > 0 && (
              <Badge size="sm" color="iris" variant="filled" className="num">
                {waiting}
              </Badge>
            )}
          </NavLink>
        ))}
      </AppShell.Navbar>
      <AppShell.Main className={classes.main} id="main">
        <Offline />
        {children}
      </AppShell.Main>
      {isSearching && (
        <Suspense>
          <Palette onClose={() => setSearching(false)} />
        </Suspense>
      )}
    </AppShell>
  );
}

function Offline() {
  const connection = useConnection();
  if (connection !== "offline" && connection !== "refused") return null;
  return (
    <div className={classes.offline} role="status">
      <IconPlugConnectedX size={16} aria-hidden />{" "}
      {connection === "offline"
        ? "The connection is lost. What you see is as it was; it is tried again by itself."
        : "The server lets this session follow no longer. What you see is as it was; reload the page to ask again."}
    </div>
  );
}

function Scheme() {
  const { setColorScheme } = useMantineColorScheme();
  const now = useComputedColorScheme("light");
  return (
    <ActionIcon
      size="lg"
      onClick={() => setColorScheme(now === "dark" ? "light" : "dark")}
      aria-label={now === "dark" ? "Light colours" : "Dark colours"}
    >
      {now === "dark" ? <IconSun size={18} /> : <IconMoon size={18} />}
    </ActionIcon>
  );
}

function Account({ me }: { me: Me }) {
  const queries = useQueryClient();
  const leave = async () => {
    await unwrap(client.DELETE("/api/v1/session"));
    rememberCsrf(null);
    queries.clear();
    window.location.assign("/");
  };
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <UnstyledButton className={classes.account}>{me.display_name}</UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {me.roles.length === 0 ? (
            "no role yet"
          ) : (
            <Text size="xs" component="span">
              {me.roles.join(", ").replaceAll("_", " ")}
            </Text>
          )}
        </Menu.Label>
        <Menu.Item component={Link} to="/settings/notifications">
          How I am told
        </Menu.Item>
        <Menu.Item component={Link} to="/start">
          First steps
        </Menu.Item>
        <Menu.Item onClick={() => void leave()}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
