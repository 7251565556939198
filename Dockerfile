# The page, built and compressed.
FROM node:24-bookworm-slim AS page
WORKDIR /parlor
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY vite.config.ts vite.vision.ts tsconfig.json ./
COPY public public
RUN npm run build

# The program, with the page inside.
FROM rust:1.95-bookworm AS program
WORKDIR /parlor
COPY Cargo.toml Cargo.lock build.rs ./
COPY src src
COPY docs docs
COPY benches benches
COPY --from=page /parlor/target/public target/public
RUN cargo build --release --locked --bin parlor

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
COPY --from=program /parlor/target/release/parlor /usr/local/bin/parlor
USER nobody
ENV PARLOR_LISTEN=0.0.0.0:8080
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=2s --start-period=5s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /readyz HTTP/1.1\\r\\nHost: parlor\\r\\nConnection: close\\r\\n\\r\\n' >&3 && head -1 <&3 | grep -q ' 200 '"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["parlor"]
