package main

import (
	"context"
	"fmt"
	"os"

	core "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"
)

// publish makes kube-public/cluster-info, which everybody may read and the controller manager signs with each token, and lets
// holders of a join token read Nodes, as kubeadm does.
func (c *cluster) publish(ctx context.Context, client kubernetes.Interface) error {
	ca, err := os.ReadFile(c.file("ca.crt"))
	if err != nil {
		return err
	}
	config := clientcmdapi.NewConfig()
	config.Clusters[""] = &clientcmdapi.Cluster{Server: fmt.Sprintf("https://127.0.0.1:%d", c.apiPort), CertificateAuthorityData: ca}
	text, err := clientcmd.Write(*config)
	if err != nil {
		return err
	}
	public := meta.NamespacePublic
	info := &core.ConfigMap{
		ObjectMeta: meta.ObjectMeta{Name: bootstrapapi.ConfigMapClusterInfo, Namespace: public},
		Data:       map[string]string{bootstrapapi.KubeConfigKey: string(text)},
	}
	if _, err := client.CoreV1().Namespaces().Create(ctx, &core.Namespace{ObjectMeta: meta.ObjectMeta{Name: public}}, meta.CreateOptions{}); known(err) != nil {
		return err
	}
	if _, err := client.CoreV1().ConfigMaps(public).Create(ctx, info, meta.CreateOptions{}); known(err) != nil {
		return err
	}
	role := &rbac.Role{
		ObjectMeta: meta.ObjectMeta{Name: "kubeadm:bootstrap-signer-clusterinfo", Namespace: public},
		Rules:      []rbac.PolicyRule{{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"configmaps"}, ResourceNames: []string{info.Name}}},
	}
	if _, err := client.RbacV1().Roles(public).Create(ctx, role, meta.CreateOptions{}); known(err) != nil {
		return err
	}
	everybody := &rbac.RoleBinding{
		ObjectMeta: role.ObjectMeta,
		RoleRef:    rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "Role", Name: role.Name},
		Subjects:   []rbac.Subject{{APIGroup: rbac.GroupName, Kind: rbac.UserKind, Name: "system:anonymous"}},
	}
	if _, err := client.RbacV1().RoleBindings(public).Create(ctx, everybody, meta.CreateOptions{}); known(err) != nil {
		return err
	}
	nodes := &rbac.ClusterRole{
		ObjectMeta: meta.ObjectMeta{Name: "kubeadm:get-nodes"},
		Rules:      []rbac.PolicyRule{{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"nodes"}}},
	}
	if _, err := client.RbacV1().ClusterRoles().Create(ctx, nodes, meta.CreateOptions{}); known(err) != nil {
		return err
	}
	holders := &rbac.ClusterRoleBinding{
		ObjectMeta: nodes.ObjectMeta,
		RoleRef:    rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "ClusterRole", Name: nodes.Name},
		Subjects:   []rbac.Subject{{APIGroup: rbac.GroupName, Kind: rbac.GroupKind, Name: "system:bootstrappers:kubeadm:default-node-token"}},
	}
	_, err = client.RbacV1().ClusterRoleBindings().Create(ctx, holders, meta.CreateOptions{})
	return known(err)
}

// known lets a cluster that was here before go on with what it has.
func known(err error) error {
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
