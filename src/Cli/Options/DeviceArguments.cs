using System.CommandLine;
using AsArm.Inference.Devices;

namespace AsArm.Cli.Options;

/// <summary>The options that say where the network runs.</summary>
internal sealed class DeviceArguments
{
    private readonly Option<Device> _device = new("--device")
    {
        Description = "Where the network runs (default cpu); cuda:1 is the second GPU. Any other execution provider goes by its name in ONNX Runtime",
        HelpName = "cpu|cuda|tensorrt|PROVIDER",
        CustomParser = result =>
        {
            string given = result.Tokens[0].Value;
            if (!Device.TryParse(given, out Device device))
                result.AddError($"Unknown device '{given}': use cpu, cuda, cuda:1, tensorrt or the name of another execution provider.");
            return device;
        },
    };

    private readonly Option<string?> _library = Library();

    private readonly Option<string[]> _options = new("--ep-option")
    {
        Description = "An option of the execution provider in its own words, such as gpu_mem_limit=4294967296; one whose name has a dot is of the session. Several are given one by one",
        HelpName = "NAME=VALUE",
    };

    private readonly Option<bool> _tf32 =
        new("--allow-tf32") { Arity = ArgumentArity.Zero, Description = "Let a GPU round float32 products to TF32: faster, logits are off by up to 6e-3" };

    private readonly Option<string?> _engines =
        CommonOptions.Path("--engine-cache", "DIR", "Where TensorRT keeps its engines and timings, which take minutes to build (default: they are built each time)");

    /// <summary>The options of the command line.</summary>
    public IEnumerable<Option> Options => [_device, _library, _options, _tf32, _engines];

    /// <summary>--ep-library.</summary>
    public static Option<string?> Library() =>
        CommonOptions.Path("--ep-library", "FILE", $"A library of execution providers (plugin) that has the device (default: that of {DeviceOptions.LibraryVariable} in the environment, else those of the command)");

    /// <summary>The device and how it is set up. An option that has no effect on it is refused.</summary>
    /// <exception cref="UsageException">An option is not valid, or not one of the device.</exception>
    public (Device Device, DeviceOptions Options) Of(ParseResult parsed)
    {
        Device device = parsed.GetValue(_device);
        var options = new DeviceOptions
        {
            ProviderLibrary = parsed.GetValue(_library),
            ProviderOptions = Split(parsed.GetValue(_options) ?? []),
            AllowTf32 = parsed.GetValue(_tf32),
            EngineCachePath = parsed.GetValue(_engines),
            TimingCachePath = parsed.GetValue(_engines),
        };
        bool isTensorRT = device.Name == Device.TensorRT.Name;
        Require(options.AllowTf32, isTensorRT || device.Name == Device.Cuda.Name, "--allow-tf32 goes with --device cuda or tensorrt");
        Require(options.EngineCachePath is not null, isTensorRT, "--engine-cache goes with --device tensorrt");
        Require(options.ProviderLibrary is not null, device != Device.Cpu, "--ep-library goes with a --device that it has, such as cuda");
        Require(options.ProviderOptions.Count > 0, device != Device.Cpu, "--ep-option goes with another --device than cpu");
        return (device, options);
    }

    private static Dictionary<string, string> Split(IEnumerable<string> given)
    {
        var options = new Dictionary<string, string>();
        foreach (string option in given)
        {
            int sign = option.IndexOf('=', StringComparison.Ordinal);
            if (sign <= 0 || string.IsNullOrWhiteSpace(option[..sign]))
                throw new UsageException($"--ep-option must be NAME=VALUE, not '{option}'.");
            if (!options.TryAdd(option[..sign], option[(sign + 1)..]))
                throw new UsageException($"--ep-option {option[..sign]} is given twice.");
        }

        return options;
    }

    private static void Require(bool isGiven, bool hasEffect, string rule)
    {
        if (isGiven && !hasEffect)
            throw new UsageException($"{rule}.");
    }
}
