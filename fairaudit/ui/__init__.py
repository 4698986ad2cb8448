"""What pages share: session, cache, forms, progress, uploads. The only package with streamlit."""
