"""Where do people see what waits for them, and answer? Server-rendered pages; `starter.console.app` makes them."""
