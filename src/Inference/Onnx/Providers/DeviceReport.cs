using AsArm.Inference.Devices;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Providers;

/// <summary>What there is of execution providers and devices on this machine, and what is missing for others.</summary>
/// <param name="Version">Version of ONNX Runtime.</param>
/// <param name="Providers">cpu, cuda, tensorrt and the providers of registered libraries.</param>
/// <param name="Hardware">The processors that ONNX Runtime finds; it does not look on all systems.</param>
internal sealed record DeviceReport(string Version, IReadOnlyList<DeviceReport.Provider> Providers, IReadOnlyList<DeviceReport.Processor> Hardware)
{
    private const string Gpu = "the package Microsoft.ML.OnnxRuntime.Gpu (the command: a build with -p:AsArmGpu=true) or a library with --ep-library";

    /// <summary>Reports on this machine.</summary>
    /// <param name="library">Path of a library of execution providers that is registered first; null for none.</param>
    /// <exception cref="DeviceNotAvailableException">ONNX Runtime is missing, or the library cannot be registered.</exception>
    public static DeviceReport Create(string? library)
    {
        OrtEnv environment = OnnxEnvironment.Get();
        if (library is not null && ProviderLibraries.Register(library, ExecutionProvider.Of(Device.Cuda).Names[0], out _) is string reason)
            throw new DeviceNotAvailableException($"The library of execution providers cannot be used: {reason}.");
        string[] own = environment.GetAvailableProviders();
        ILookup<string, OrtEpDevice> registered = environment.GetEpDevices().ToLookup(device => device.EpName);
        var providers = Device.WellKnown.Select(device => Describe(ExecutionProvider.Of(device), own, registered)).ToList();
        foreach (string name in registered.Select(group => group.Key).Union(own).Where(name => !Device.WellKnown.Any(device => ExecutionProvider.Of(device).Names.Contains(name))))
            providers.Add(new(name, name, Source(name, own, registered), Devices(registered[name]), null, null));
        return new(environment.GetVersionString(), providers, [.. environment.GetHardwareDevices().Select(device => Describe(device, registered.Select(group => group.Key).Union(own)))]);
    }

    private static Provider Describe(ExecutionProvider provider, string[] own, ILookup<string, OrtEpDevice> registered)
    {
        string name = provider.Names.FirstOrDefault(name => registered.Contains(name) || own.Contains(name)) ?? provider.Names[0];
        string? missing = provider.Find(null, out string? reason) is null ? reason : null;
        string source = Source(name, own, registered);
        return new(provider.Device.Name, name, source, provider.Device == Device.Cpu ? "" : Devices(registered[name]), missing, source.Length == 0 ? Gpu : null);
    }

    private static string Source(string name, string[] own, ILookup<string, OrtEpDevice> registered) =>
        own.Contains(name) ? "this build" : registered.Contains(name) ? "a library" : "";

    private static string Devices(IEnumerable<OrtEpDevice> devices) => string.Join(", ", devices.Select((device, i) =>
        $"{device.EpOptions.Entries.GetValueOrDefault("device_id") ?? $"{i}"}: {device.EpMetadata.Entries.GetValueOrDefault("cuda_device_name") ?? $"{device.HardwareDevice.Type} of {device.HardwareDevice.Vendor}"}"));

    private static Processor Describe(OrtHardwareDevice device, IEnumerable<string> providers) => new(
        $"{device.Type}", device.Vendor, device.VendorId, device.DeviceId,
        [.. providers.Where(name => name != ExecutionProvider.CpuName).Select(name => (name, Incompatibility(name, device))).Where(one => one.Item2 is not null).Select(one => $"{one.name}: {one.Item2}")]);

    /// <summary>Why a provider cannot use a processor; null if it can, or does not say.</summary>
    private static string? Incompatibility(string provider, OrtHardwareDevice device)
    {
        try
        {
            using OrtDeviceEpIncompatibilityDetails details = OnnxEnvironment.Get().GetHardwareDeviceEpIncompatibilityDetails(provider, device);
            return details.ReasonsBitmask == OrtDeviceEpIncompatibilityReason.None ? null
                : $"{details.ReasonsBitmask}{(details.Notes is { Length: > 0 } notes ? $", {notes.ReplaceLineEndings(" ").Trim()}" : "")}";
        }
        catch (OnnxRuntimeException)
        {
            return null; // the provider is not one that tells
        }
    }

    /// <summary>An execution provider.</summary>
    /// <param name="Device">The name for --device.</param>
    /// <param name="Name">Its name in ONNX Runtime.</param>
    /// <param name="Source">Where it is from; empty if it is not there.</param>
    /// <param name="Devices">Its devices, with their numbers, as far as they are known before a model is opened.</param>
    /// <param name="Missing">Why it cannot be used; null if it can.</param>
    /// <param name="Install">What has it; null where that is there.</param>
    internal sealed record Provider(string Device, string Name, string Source, string Devices, string? Missing, string? Install);

    /// <summary>A processor.</summary>
    /// <param name="Type">CPU, GPU or NPU.</param>
    /// <param name="Vendor">Its vendor.</param>
    /// <param name="VendorId">PCI number of the vendor.</param>
    /// <param name="DeviceId">PCI number of the kind of processor.</param>
    /// <param name="Incompatible">The providers that cannot use it, with reasons.</param>
    internal sealed record Processor(string Type, string Vendor, uint VendorId, uint DeviceId, IReadOnlyList<string> Incompatible);
}
