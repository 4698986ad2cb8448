"""From result tables to Plotly figures. No arithmetic beyond layout."""
