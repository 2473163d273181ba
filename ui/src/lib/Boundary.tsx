// Where a part of a page cannot be drawn, such as one whose code could not be fetched, it says so in its place and the rest stays.
import { Component, type ReactNode } from "react";
import { Unreachable } from "../api/problem.ts";
import { ErrorState } from "./Page.tsx";

/** How browsers say that a page's code could not be fetched. */
const NOT_FETCHED = /dynamically imported module|module script|preload/i;

export class Boundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: null as unknown };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (error === null) return this.props.children;
    const isAway = error instanceof Error && NOT_FETCHED.test(error.message);
    // A browser keeps that code could not be fetched: only loading the page anew asks again.
    return <ErrorState error={isAway ? new Unreachable() : error} retry={() => window.location.reload()} />;
  }
}
