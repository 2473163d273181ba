// The look: one accent, warm greys, quiet borders in place of shadows. Everything that has a colour takes it from here or theme.css.
import { createTheme, type MantineColorsTuple } from "@mantine/core";

const iris: MantineColorsTuple = [
  "#f1f1fd",
  "#e2e2f9",
  "#c3c3f0",
  "#a2a2e8",
  "#8585e0",
  "#6a6ad8",
  "#5656cf",
  "#4a4ac4",
  "#3c3ca3",
  "#2e2e80",
];
const stone: MantineColorsTuple = [
  "#faf9f7",
  "#f3f2ef",
  "#e6e4df",
  "#d3d0c9",
  "#a9a59c",
  "#7d7a72",
  "#625f58",
  "#4b4943",
  "#33312d",
  "#1f1e1b",
];
const gain: MantineColorsTuple = [
  "#e9f7f0",
  "#d3eee0",
  "#a6dcc1",
  "#75c9a0",
  "#4db984",
  "#34ae72",
  "#1f9a60",
  "#147a4b",
  "#0f6540",
  "#084a2e",
];
const loss: MantineColorsTuple = [
  "#fdeeeb",
  "#fadbd5",
  "#f3b4a8",
  "#ec8b79",
  "#e56951",
  "#e05439",
  "#cb4128",
  "#b3361f",
  "#932a17",
  "#6f1d0e",
];
const late: MantineColorsTuple = [
  "#fff6e4",
  "#feebc8",
  "#fbd694",
  "#f7bf5b",
  "#f2ab2f",
  "#e29614",
  "#bf7a08",
  "#8f5900",
  "#734800",
  "#553500",
];
const dark: MantineColorsTuple = [
  "#e6e6ea",
  "#c4c5cd",
  "#a3a5b1",
  "#7b7d8b",
  "#4c4e5b",
  "#363843",
  "#2a2c35",
  "#1d1e25",
  "#15161c",
  "#0e0f13",
];

export const theme = createTheme({
  primaryColor: "iris",
  primaryShade: { light: 7, dark: 5 },
  autoContrast: true,
  colors: { iris, stone, gain, loss, late, dark, gray: stone },
  black: "#1f1e1b",
  fontFamily: '"Inter Variable", system-ui, -apple-system, "Segoe UI", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "JetBrains Mono", "Liberation Mono", monospace',
  fontSizes: { xs: "0.75rem", sm: "0.84375rem", md: "0.9375rem", lg: "1.0625rem", xl: "1.25rem" },
  headings: {
    fontWeight: "620",
    sizes: {
      h1: { fontSize: "1.625rem", lineHeight: "1.2" },
      h2: { fontSize: "1.125rem", lineHeight: "1.35" },
      h3: { fontSize: "0.9375rem", lineHeight: "1.4" },
    },
  },
  defaultRadius: "md",
  radius: { xs: "3px", sm: "5px", md: "7px", lg: "10px", xl: "16px" },
  cursorType: "pointer",
  components: {
    Button: { defaultProps: { size: "sm", variant: "default" } },
    ActionIcon: { defaultProps: { variant: "subtle", color: "gray" } },
    // Wider than a phone, it is pushed aside instead of the page.
    SegmentedControl: { styles: { root: { maxWidth: "100%", overflowX: "auto" } } },
    Badge: { defaultProps: { variant: "light", radius: "sm", tt: "none", fw: 560 } },
    Modal: {
      defaultProps: {
        closeButtonProps: { "aria-label": "Close" },
        centered: false,
        radius: "lg",
        overlayProps: { blur: 2, backgroundOpacity: 0.35 },
      },
    },
    Tooltip: { defaultProps: { withArrow: true, multiline: true, maw: 320, openDelay: 200 } },
    // Narrower than its table, it is moved by the keyboard, too.
    TableScrollContainer: { defaultProps: { scrollAreaProps: { viewportProps: { tabIndex: 0 } } } },
    // Underlined always: in a sentence, colour alone does not tell a link from its words.
    Anchor: { defaultProps: { underline: "always" } },
  },
});
