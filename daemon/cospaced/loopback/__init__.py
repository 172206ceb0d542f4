"""What the simulators stand on: ASGI without a web framework, and uvicorn run by hand."""
