{{- /* What pods of this chart have in common, hooks or not: labels by which kauth knows Prometheus, and what Pod Security "restricted" asks for. */}}
{{- define "labels" -}}
app.kubernetes.io/name: prometheus
app.kubernetes.io/component: server
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "podSecurityContext" -}}
runAsNonRoot: true
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "securityContext" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
{{- end }}
