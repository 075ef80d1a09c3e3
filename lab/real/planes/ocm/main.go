// Command ocm is one program out of which each agent and controller of Open Cluster Management runs: the first argument
// names it.
package main

import (
	goflag "flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	utilflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/logs"

	ocmfeature "open-cluster-management.io/api/feature"
	"open-cluster-management.io/ocm/pkg/cmd/hub"
	"open-cluster-management.io/ocm/pkg/cmd/spoke"
	"open-cluster-management.io/ocm/pkg/features"
)

func main() {
	pflag.CommandLine.SetNormalizeFunc(utilflag.WordSepNormalizeFunc)
	pflag.CommandLine.AddGoFlagSet(goflag.CommandLine)
	logs.AddFlags(pflag.CommandLine)
	logs.InitLogs()
	defer logs.FlushLogs()

	part := ""
	if len(os.Args) > 1 {
		part = os.Args[1]
	}
	// Each adds its feature gates when it is made, so only one may be.
	parts := map[string]func() *cobra.Command{
		"work-agent":              spoke.NewWorkAgent,
		"registration-agent":      spoke.NewRegistrationAgent,
		"registration-controller": hub.NewRegistrationController,
		"placement-controller":    hub.NewPlacementController,
		"addon-manager":           hub.NewAddonManager,
	}
	newCommand, found := parts[part]
	if !found {
		fmt.Fprintln(os.Stderr, "usage: ocm PART [flags]; the parts are "+strings.Join(slices.Sorted(maps.Keys(parts)), ", "))
		os.Exit(2)
	}
	if part == "registration-controller" {
		utilruntime.Must(features.HubMutableFeatureGate.Add(ocmfeature.DefaultHubRegistrationFeatureGates))
		features.HubMutableFeatureGate.AddFlag(pflag.CommandLine)
	}
	command := newCommand()
	command.SilenceUsage = true
	command.SetArgs(os.Args[2:])
	if err := command.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
