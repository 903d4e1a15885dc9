"""A FastAPI service to tune: prints its port, streams a report per step and then the loss."""
import asyncio
import json
import socket

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

app = FastAPI()


class Parameters(BaseModel):
    x: float = Field(le=0.9)


@app.post("/train")
async def train(parameters: Parameters):
    async def lines():
        for step in range(1, 6):
            yield json.dumps({"step": step, "loss": parameters.x + 1 / step}) + "\n"
            await asyncio.sleep(0.01)
        yield json.dumps({"loss": parameters.x}) + "\n"

    return StreamingResponse(lines(), media_type="application/x-ndjson")


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
