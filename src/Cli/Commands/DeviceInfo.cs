using AsArm.Cli.Options;
using AsArm.Cli.Output;
using AsArm.Cli.Streams;
using AsArm.Inference.Devices;
using AsArm.Inference.Onnx.Providers;
using Spectre.Console;

namespace AsArm.Cli.Commands;

/// <summary>asarm info --devices: execution providers, devices, and what is missing.</summary>
internal static class DeviceInfo
{
    /// <param name="library">A library of execution providers to register first; null for that of the environment.</param>
    /// <param name="streams">Where it goes.</param>
    public static int Print(string? library, CommandStreams streams)
    {
        var report = DeviceReport.Create(ProviderLibraries.PathOf(new DeviceOptions { ProviderLibrary = library }));
        streams.OutputWriter.WriteLine($"ONNX Runtime {report.Version}");
        Table providers = Tables.Create("device", "execution provider", "from", "its devices", "state");
        foreach (DeviceReport.Provider provider in report.Providers)
            providers.AddRow([.. new[] { provider.Device, provider.Name, provider.Source, provider.Devices, provider.Missing is null ? "available" : "not available" }.Select(Markup.Escape)]);
        Tables.Print(providers, streams);
        foreach (DeviceReport.Provider provider in report.Providers.Where(provider => provider.Missing is not null))
            streams.OutputWriter.WriteLine($"{provider.Device}: {provider.Missing}{(provider.Install is null ? "" : $"; it comes with {provider.Install}")}");
        Table processors = Tables.Create("processor", "vendor", "PCI number");
        foreach (DeviceReport.Processor processor in report.Hardware)
            processors.AddRow(processor.Type, Markup.Escape(processor.Vendor), $"{processor.VendorId:x4}:{processor.DeviceId:x4}");
        Tables.Print(processors, streams);
        foreach (string reason in report.Hardware.SelectMany(processor => processor.Incompatible.Select(reason => $"{processor.Type} of {processor.Vendor}: not for {reason}")))
            streams.OutputWriter.WriteLine(reason);
        return ExitCode.Done;
    }
}
