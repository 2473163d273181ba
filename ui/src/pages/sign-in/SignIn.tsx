// Signing in, and claiming a server that nobody has claimed yet by the code it printed at its first start.
import classes from "./SignIn.module.css";
import { Anchor, Button, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { client, rememberCsrf, unwrap } from "../../api/client.ts";
import { lineOf } from "../../api/problem.ts";

export default function SignIn() {
  const queries = useQueryClient();
  const [isNew, setNew] = useState(false);
  const [given, setGiven] = useState({ login: "", password: "", code: "" });
  const take = (name: keyof typeof given) => (event: { currentTarget: { value: string } }) => {
    const { value } = event.currentTarget;
    setGiven((before) => ({ ...before, [name]: value }));
  };
  const enter = useMutation({
    mutationFn: async () => {
      if (isNew) await unwrap(client.POST("/api/v1/setup", { body: given }));
      const { csrf } = await unwrap(
        client.POST("/api/v1/session", { body: { login: given.login, password: given.password } }),
      );
      rememberCsrf(csrf);
    },
    onSuccess: () => queries.invalidateQueries(),
  });
  useEffect(() => {
    document.title = "Sign in · Tenure";
  }, []);
  return (
    <main className={classes.page}>
      <div className={classes.card}>
        <img src="/mark.svg" width={40} height={40} alt="" />
        <Title order={1} mt="md">
          {isNew ? "Claim this server" : "Sign in to Tenure"}
        </Title>
        <Text size="sm" className="quiet" mb="lg">
          {isNew
            ? "The first account is the server's administrator. The setup code stands in what tenure serve printed."
            : "From a winning experiment to a feature that stays."}
        </Text>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            enter.mutate();
          }}
        >
          <Stack gap="sm">
            {isNew && (
              <TextInput
                label="Setup code"
                value={given.code}
                onChange={take("code")}
                autoComplete="off"
                required
                withAsterisk={false}
              />
            )}
            <TextInput
              label="Login"
              value={given.login}
              onChange={take("login")}
              autoComplete="username"
              required
              withAsterisk={false}
              data-autofocus
            />
            <PasswordInput
              label="Password"
              {...(isNew ? { description: "At least 12 characters" } : {})}
              value={given.password}
              onChange={take("password")}
              autoComplete={isNew ? "new-password" : "current-password"}
              required
              withAsterisk={false}
            />
            {enter.isError && (
              <Text size="sm" c="var(--loss)" role="alert">
                {lineOf(enter.error)}
              </Text>
            )}
            <Button type="submit" variant="filled" loading={enter.isPending} mt="xs" fullWidth>
              {isNew ? "Claim and sign in" : "Sign in"}
            </Button>
            <Anchor component="button" type="button" size="sm" onClick={() => setNew(!isNew)}>
              {isNew ? "I have an account" : "This is a new server"}
            </Anchor>
          </Stack>
        </form>
      </div>
    </main>
  );
}
