"""Live panes: they listen to the API's streams in the browser and never rerun the page."""
