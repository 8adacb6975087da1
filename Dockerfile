# Images of all parts.
#
#   docker build --target relay .          an executable on a small base
#   docker build --target source-relay .   from source, on Deno's image
#
# and likewise for api, agent and cli. compiled-relay is another name of relay.
#
#   docker build --target source-coding-agent --build-arg AGENT_PACKAGE=opencode-ai .
#
# an agent together with a coding agent (also coding-agent, with the executable): AGENT_PACKAGE is
# its npm package, with a version after "@" if it is to stay the same.
#
# What a part may do stands in deno.json, under "permissions". The images run without root, on a
# read-only file system, fetch nothing, and end on SIGTERM. They are built with BuildKit or without
# it, for amd64 and arm64.

ARG DENO_VERSION=2.9.6

# --- Packages: fetched again only if deno.lock or a deno.json has changed -------------------------

FROM denoland/deno:${DENO_VERSION} AS manifests
WORKDIR /all
COPY . .
RUN mkdir /app && cp deno.lock /app && find . -name deno.json -exec cp --parents '{}' /app ';'

FROM denoland/deno:${DENO_VERSION} AS packages
ENV DENO_NO_UPDATE_CHECK=1
WORKDIR /app
COPY --from=manifests /app ./
RUN NO_COLOR=1 deno install --frozen && chown root:root /deno-dir

# --- From source: transpiled here, by running it once, so that nothing is written later -----------

FROM packages AS source
# Where compose.yaml has parts share a secret.
RUN install -d -o 1993 -g 1993 /var/lib/ourocodus
COPY protocol protocol
COPY bus bus
COPY edge edge

FROM source AS source-relay
COPY relay relay
RUN deno run -q --cached-only --frozen --no-prompt -P=relay relay/main.ts --help >/dev/null && \
  find /deno-dir -maxdepth 1 -type f -delete
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ourocodus-relay" \
  org.opencontainers.image.description="Carries work from NATS to agents, and their results back" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
USER 1993:1993
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=10s --start-period=30s --retries=3 \
  CMD ["deno", "run", "-q", "--cached-only", "--frozen", "--no-prompt", "-P=relay", "/app/relay/main.ts", "--health-check"]
ENTRYPOINT ["deno", "run", "-q", "--cached-only", "--frozen", "--no-prompt", "-P=relay", "/app/relay/main.ts"]

# The monitor's sources, and the bundler that Deno fetches, stay behind.
FROM source AS monitor
COPY api api
COPY web web
RUN deno run -q -A web/build.ts

FROM source AS source-api
COPY ops ops
COPY setup setup
COPY system system
COPY api api
COPY --from=monitor /app/web/dist web/dist
# What serves is imported by need, so it is run by itself.
RUN deno run -q --cached-only --frozen --no-prompt -P=api api/main.ts --help >/dev/null && \
  deno run -q --cached-only --frozen --no-prompt -P=api api/start.ts && \
  find /deno-dir -maxdepth 1 -type f -delete
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ourocodus-api" \
  org.opencontainers.image.description="The HTTP API and the web monitor" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
ENV HOST=0.0.0.0 PORT=9000
EXPOSE 9000
USER 1993:1993
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=10s --start-period=30s --retries=3 \
  CMD ["deno", "run", "-q", "--cached-only", "--frozen", "--no-prompt", "-P=api", "/app/api/main.ts", "--health-check"]
ENTRYPOINT ["deno", "run", "-q", "--cached-only", "--frozen", "--no-prompt", "-P=api", "/app/api/main.ts"]

FROM source AS source-agent
COPY git git
COPY agent agent
# What speaks with coding agents is imported by need, so it is run by itself.
RUN deno run -q --cached-only --frozen --no-prompt -P=agent agent/main.ts --help >/dev/null && \
  deno run -q --cached-only --frozen --no-prompt -P=agent agent/coding/mod.ts && \
  deno run -q --cached-only --frozen --no-prompt -P=agent agent/coding/turn/answer_schema.ts && \
  find /deno-dir -maxdepth 1 -type f -delete && \
  install -d -o deno -g deno /work
WORKDIR /work
ENV HOME=/tmp
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ourocodus-agent" \
  org.opencontainers.image.description="Takes work from a relay and answers it" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
USER 1993:1993
STOPSIGNAL SIGTERM
ENTRYPOINT ["deno", "run", "-q", "--cached-only", "--frozen", "--no-prompt", "--v8-flags=--optimize-for-size", "-P=agent", "/app/agent/main.ts"]

FROM source AS source-cli
COPY git git
COPY ops ops
COPY setup setup
COPY system system
COPY cli cli
RUN deno run -q --cached-only --frozen --no-prompt -P=client cli/main.ts --help >/dev/null && \
  find /deno-dir -maxdepth 1 -type f -delete
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ourocodus-cli" \
  org.opencontainers.image.description="Sends work and reads results" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
USER 1993:1993
STOPSIGNAL SIGTERM
ENTRYPOINT ["deno", "run", "-q", "--cached-only", "--frozen", "--no-prompt", "-P=client", "/app/cli/main.ts"]

# --- A coding agent next to our own, with git and Node.js -----------------------------------------

FROM node:24-bookworm-slim AS coding-tools
ARG AGENT_PACKAGE
RUN mkdir -p /coding/bin /coding/lib/node_modules && \
  cp --archive /usr/local/bin/node /coding/bin/ && \
  cp --archive /usr/local/lib/node_modules/npm /coding/lib/node_modules/ && \
  ln -s ../lib/node_modules/npm/bin/npm-cli.js /coding/bin/npm && \
  ln -s ../lib/node_modules/npm/bin/npx-cli.js /coding/bin/npx
RUN if [ -n "$AGENT_PACKAGE" ]; then \
  npm install --global --prefix /coding --no-audit --no-fund "$AGENT_PACKAGE"; fi

FROM source-agent AS source-coding-agent
USER root
RUN apt-get update && \
  apt-get install -y --no-install-recommends bubblewrap ca-certificates git ripgrep && \
  rm -rf /var/lib/apt/lists/* && \
  # Repositories are mounted, and belong to the user who started the container.
  git config --system safe.directory '*' && \
  install -d -m 1777 /work
COPY --from=coding-tools /coding /usr/local
# Node.js trusts whom the system trusts, as a company's proxy.
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
LABEL org.opencontainers.image.title="ourocodus-coding-agent" \
  org.opencontainers.image.description="Takes work from a relay and has a coding agent do it"
USER 1993:1993

# --- Executables: the base that Deno adds to them is fetched before any code is copied ------------

FROM packages AS compiler
# The path of a denort in this image, where dl.deno.land cannot be reached.
ARG DENORT_BIN
RUN echo 'export {};' >/tmp/empty.ts && \
  deno compile -q --no-config --output /tmp/empty /tmp/empty.ts && rm /tmp/empty* && \
  install -d /empty/ourocodus
COPY protocol protocol
COPY bus bus
COPY edge edge
COPY setup setup

FROM compiler AS build-relay
ARG DENORT_BIN
COPY relay relay
RUN deno run -q -A setup/compile.ts relay --output /out

FROM compiler AS build-api
ARG DENORT_BIN
COPY ops ops
COPY system system
COPY api api
COPY web web
RUN deno run -q -A web/build.ts && deno run -q -A setup/compile.ts api --output /out

FROM compiler AS build-agent
ARG DENORT_BIN
COPY git git
COPY agent agent
RUN deno run -q -A setup/compile.ts agent --output /out

FROM compiler AS build-cli
ARG DENORT_BIN
COPY git git
COPY ops ops
COPY system system
COPY cli cli
RUN deno run -q -A setup/compile.ts cli --permissions client --output /out

FROM gcr.io/distroless/cc-debian12 AS relay
COPY --from=build-relay --chown=1993:1993 /empty /var/lib
COPY --from=build-relay /out/relay /usr/local/bin/relay
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ourocodus-relay" \
  org.opencontainers.image.description="Carries work from NATS to agents, and their results back" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
USER 1993:1993
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=10s --start-period=30s --retries=3 \
  CMD ["/usr/local/bin/relay", "--health-check"]
ENTRYPOINT ["/usr/local/bin/relay"]

FROM gcr.io/distroless/cc-debian12 AS api
COPY --from=build-api --chown=1993:1993 /empty /var/lib
COPY --from=build-api /out/api /usr/local/bin/api
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ourocodus-api" \
  org.opencontainers.image.description="The HTTP API and the web monitor" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
ENV HOST=0.0.0.0 PORT=9000
EXPOSE 9000
USER 1993:1993
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=10s --start-period=30s --retries=3 \
  CMD ["/usr/local/bin/api", "--health-check"]
ENTRYPOINT ["/usr/local/bin/api"]

# Agents run programs, so theirs is a system with a shell.
FROM debian:bookworm-slim AS agent
RUN useradd --uid 1993 --user-group ourocodus && \
  install -d -o ourocodus -g ourocodus /work /var/lib/ourocodus
WORKDIR /work
ENV HOME=/tmp
COPY --from=build-agent /out/agent /usr/local/bin/agent
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ourocodus-agent" \
  org.opencontainers.image.description="Takes work from a relay and answers it" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
USER 1993:1993
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/agent"]

FROM agent AS coding-agent
USER root
RUN apt-get update && \
  apt-get install -y --no-install-recommends bubblewrap ca-certificates git ripgrep && \
  rm -rf /var/lib/apt/lists/* && \
  # Repositories are mounted, and belong to the user who started the container.
  git config --system safe.directory '*' && \
  install -d -m 1777 /work
COPY --from=coding-tools /coding /usr/local
# Node.js trusts whom the system trusts, as a company's proxy.
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
LABEL org.opencontainers.image.title="ourocodus-coding-agent" \
  org.opencontainers.image.description="Takes work from a relay and has a coding agent do it"
USER 1993:1993

FROM gcr.io/distroless/cc-debian12 AS cli
COPY --from=build-cli --chown=1993:1993 /empty /var/lib
COPY --from=build-cli /out/ourocodus /usr/local/bin/ourocodus
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ourocodus-cli" \
  org.opencontainers.image.description="Sends work and reads results" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
USER 1993:1993
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/ourocodus"]

# What compose.yaml calls them.
FROM relay AS compiled-relay
FROM api AS compiled-api
FROM agent AS compiled-agent
FROM coding-agent AS compiled-coding-agent
FROM cli AS compiled-cli
