{{- define "ndb.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}{{ .Values.fullnameOverride | trunc 48 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}{{ .Release.Name | trunc 48 | trimSuffix "-" }}
{{- else -}}{{ printf "%s-%s" .Release.Name $name | trunc 48 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- /* Of a dict with root and component: what selects the pods. */ -}}
{{- define "ndb.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "ndb.labels" -}}
{{ include "ndb.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- with .root.Values.additionalLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "ndb.image" -}}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{- end -}}
{{- define "ndb.secret" -}}{{ .Values.existingSecret | default (printf "%s-api-keys" (include "ndb.fullname" .)) }}{{- end -}}
{{- define "ndb.claim" -}}{{ .Values.persistence.existingClaim | default (printf "%s-data" (include "ndb.fullname" .)) }}{{- end -}}

{{- /* The names of the keys that there are, as a JSON list in an object. */ -}}
{{- define "ndb.keys" -}}
{{- $keys := list -}}
{{- if or .Values.existingSecret .Values.apiKey }}{{ $keys = append $keys "api-key" }}{{ end -}}
{{- if or .Values.existingSecret .Values.readOnlyApiKey }}{{ $keys = append $keys "read-api-key" }}{{ end -}}
{{ dict "names" $keys | toJson }}
{{- end -}}

{{- /* What every pod has, whichever it is. Of a dict with root and component. */ -}}
{{- define "ndb.podCommon" -}}
serviceAccountName: {{ include "ndb.fullname" .root }}
automountServiceAccountToken: false
{{- /* Else Services become variables that begin with NDB_. */}}
enableServiceLinks: false
securityContext: {{ toYaml .root.Values.podSecurityContext | nindent 2 }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{- define "ndb.probes" -}}
{{- range $name, $path := dict "startupProbe" "/healthz" "livenessProbe" "/healthz" "readinessProbe" "/readyz" }}
{{- $probe := index $.root.Values $name }}
{{- if $probe.enabled }}
{{ $name }}:
  httpGet: {path: {{ $path }}, port: http}
  {{- toYaml (omit $probe "enabled") | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* The container of a daemon, and its volumes. Of a dict with root, component, values (writer or readers) and port. */ -}}
{{- define "ndb.daemon" -}}
{{- $keys := (include "ndb.keys" .root | fromJson).names -}}
{{- $reads := eq .component "reader" -}}
containers:
  - name: ndb
    image: {{ include "ndb.image" .root | quote }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    args: [ndb-{{ .component }}]
    ports: [{name: http, containerPort: {{ .port }}}]
    env:
      - {name: NDB_LISTEN, value: "0.0.0.0:{{ .port }}"}
      - {name: NDB_DATA_DIR, value: /data}
      - {name: NDB_CONFIG, value: /etc/ndb/config/ndb.yaml}
      {{- if has "api-key" $keys }}
      - {name: NDB_API_KEY_FILE, value: /etc/ndb/keys/api-key}
      {{- end }}
      {{- if has "read-api-key" $keys }}
      - {name: NDB_READ_API_KEY_FILE, value: /etc/ndb/keys/read-api-key}
      {{- end }}
      {{- if not $keys }}
      - {name: NDB_INSECURE, value: "true"}
      {{- end }}
      {{- if $reads }}
      - {name: NDB_WRITER_URL, value: "http://{{ include "ndb.fullname" .root }}-writer:{{ .root.Values.service.writerPort }}"}
      {{- end }}
      - {name: NDB_HTTP_THREADS, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}
      {{- if not $reads }}
      - {name: NDB_INDEX_THREADS, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}
      {{- end }}
      {{- with .root.Values.env }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    resources: {{ toYaml .values.resources | nindent 6 }}
    {{- include "ndb.probes" . | nindent 4 }}
    {{- with .values.lifecycle }}
    lifecycle: {{ toYaml . | nindent 6 }}
    {{- end }}
    securityContext: {{ toYaml .root.Values.containerSecurityContext | nindent 6 }}
    volumeMounts:
      - {name: data, mountPath: /data{{ if $reads }}, readOnly: true{{ end }}}
      - {name: config, mountPath: /etc/ndb/config, readOnly: true}
      {{- if $keys }}
      - {name: api-keys, mountPath: /etc/ndb/keys, readOnly: true}
      {{- end }}
      {{- with .root.Values.additionalVolumeMounts }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
volumes:
  - name: data
    persistentVolumeClaim: {claimName: {{ include "ndb.claim" .root }}{{ if $reads }}, readOnly: true{{ end }}}
  - name: config
    configMap: {name: {{ include "ndb.fullname" .root }}-config}
  {{- if $keys }}
  - name: api-keys
    secret: {secretName: {{ include "ndb.secret" .root }}, defaultMode: 0440}
  {{- end }}
  {{- with .root.Values.additionalVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- range $key := list "nodeSelector" "tolerations" "affinity" }}
{{- with index $.values $key }}
{{ $key }}: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "ndb.podMetadata" -}}
labels: {{ include "ndb.labels" . | nindent 2 }}
  {{- with .root.Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  checksum/config: {{ toYaml .root.Values.config | sha256sum }}
  {{- with .values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
