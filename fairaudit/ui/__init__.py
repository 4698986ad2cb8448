"""Code shared by the pages: session, cache, forms, progress, uploads; only this uses Streamlit."""
